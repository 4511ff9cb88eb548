#!lua
-- Put entries into a lane's inbox: dedupe, stamp, hold, append, and say whether to wake a worker.
-- One script, because a hold without its entry would block for ever and an entry without its
-- hold would let a send pass after the 200.
--
-- KEYS  1 inbox  2 holds  3 reviews  4 wake:inbox  5 optins  6… the seen keys
-- ARGV  1 how long a wake is waited for (ms)  2 how long a message id is remembered (s)
--       3 how long a fingerprint is remembered (s)
--       4 msgpack: list of {payload, age_us, sent_us or false, hold field or "",
--         review field or "", index of the seen key or 0, member of optins or "", keep for ever,
--         fingerprint or ""}
-- Gives {wake 0|1, id or "" for a duplicate, …}
local wrong = wrong_type(KEYS[1], 'stream') or wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'hash')
  or wrong_type(KEYS[4], 'string') or wrong_type(KEYS[5], 'set')
if wrong then return wrong end
local wake_ms, remember_s, glance_s = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local entries = cmsgpack.unpack(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local result = {0}
local added = false
for place, entry in ipairs(entries) do
  local payload, age, sent, hold, review, seen, member, keep, fingerprint = unpack(entry)
  local known
  if fingerprint ~= '' then
    -- Only the last text counts: STOP, START, STOP within seconds are three messages.
    known = redis.call('GET', KEYS[5 + seen]) == fingerprint
  else
    known = seen > 0 and (redis.call('EXISTS', KEYS[5 + seen]) == 1 or redis.call('SISMEMBER', KEYS[5], member) == 1)
  end
  if known then
    result[place + 1] = ''
  else
    -- The place keeps stamps of one call apart, in the order in which they were given.
    local arrival = now - age + place - 1
    local stamp = arrival
    if sent and sent < arrival then stamp = sent end
    local id = redis.call('XADD', KEYS[1], '*', 'e', payload, 's', string.format('%.0f', stamp))
    if hold ~= '' then redis.call('HSET', KEYS[2], hold, id) end
    if review ~= '' then redis.call('HSETNX', KEYS[3], review, id) end
    if fingerprint ~= '' then
      redis.call('SET', KEYS[5 + seen], fingerprint, 'EX', glance_s)
    elseif keep then
      redis.call('SADD', KEYS[5], member)
    elseif seen > 0 then
      redis.call('SET', KEYS[5 + seen], id, 'EX', remember_s)
    end
    result[place + 1] = id
    added = true
  end
end

local now_ms = math.floor(now / 1000)
if added and (tonumber(redis.call('GET', KEYS[4]) or 0) <= now_ms) then
  redis.call('SET', KEYS[4], string.format('%.0f', now_ms + wake_ms))
  result[1] = 1
end
return result
