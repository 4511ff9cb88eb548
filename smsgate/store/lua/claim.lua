#!lua
-- Claim the reply that is due first, so that nobody else sends it while the lease runs.
-- A claim that is still there when its lease has run out belongs to a sender that died; whether
-- the bytes left is not known, so the caller is told and must not send again.
--
-- KEYS  1 outbox  2 replies  3 claims  4 wake:outbox
-- ARGV  1 lease (ms)  2 how long a wake is waited for (ms)
-- Gives {} where nothing is due, else {id, reply JSON or "", claimed before 0|1, now_us}
local wrong = wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'hash')
if wrong then return wrong end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)
local due = redis.call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now_ms), 'BYSCORE', 'LIMIT', 0, 1)
if #due == 0 then
  -- Whatever becomes due from now on asks for a job of its own; the clock sees to retries.
  redis.call('DEL', KEYS[4])
  return {}
end
local id = due[1]
local before = redis.call('HEXISTS', KEYS[3], id)
redis.call('HSET', KEYS[3], id, string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms + tonumber(ARGV[1])), id)
redis.call('SET', KEYS[4], string.format('%.0f', now_ms + tonumber(ARGV[2])))
return {id, redis.call('HGET', KEYS[2], id) or '', before, now}
