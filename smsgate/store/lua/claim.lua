#!lua
-- Claim the reply that is due first, so that nobody else sends it while the lease runs.
-- A claim that is still there when its lease has run out belongs to a sender that died; whether
-- the bytes left is not known, so the caller is told and must not send again. A caller that asks
-- twice with one token, because the first answer was lost on the way, gets the same answer: the
-- mark AGAIN behind the token says that somebody had claimed the reply before.
--
-- KEYS  1 outbox  2 replies  3 claims  4 notify:outbox
-- ARGV  1 lease (ms)  2 how long a notified job is waited for (ms)  3 the caller's token
-- Gives {} where nothing is due, else {id, reply JSON or "", claimed before 0|1, now_us}
local wrong = wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'hash')
if wrong then return wrong end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)

-- Claims are few: one for each call that is under way.
local AGAIN = '+'
local claims = redis.call('HGETALL', KEYS[3])
for place = 2, #claims, 2 do
  local id, token = claims[place - 1], claims[place]
  if token == ARGV[3] or token == ARGV[3] .. AGAIN then
    return {id, redis.call('HGET', KEYS[2], id) or '', token == ARGV[3] and 0 or 1, now}
  end
end

local due = redis.call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now_ms), 'BYSCORE', 'LIMIT', 0, 1)
if #due == 0 then
  -- Whatever becomes due from now on asks for a job of its own; the clock sees to retries.
  redis.call('DEL', KEYS[4])
  return {}
end
local id = due[1]
local before = redis.call('HEXISTS', KEYS[3], id)
redis.call('HSET', KEYS[3], id, before == 1 and ARGV[3] .. AGAIN or ARGV[3])
redis.call('ZADD', KEYS[1], string.format('%.0f', now_ms + tonumber(ARGV[1])), id)
redis.call('SET', KEYS[4], string.format('%.0f', now_ms + tonumber(ARGV[2])))
return {id, redis.call('HGET', KEYS[2], id) or '', before, now}
