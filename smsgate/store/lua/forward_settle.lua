#!lua
-- Say what became of a claimed forward: taken (with what the application answered, as replies), or
-- due again later. Only the holder of the claim may say so, so that a call that was made twice is
-- answered once. The number's next forward is due at once.
--
-- KEYS  1 forwards-due:PROGRAM  2 forwards  3 forwards-claims  4 forwards-since
--       5 forwards:PROGRAM:NUMBER  6 outbox  7 replies  8 notify:outbox  9 ledger
-- ARGV  1 PROGRAM:NUMBER  2 token of the claim  3 number  4 forward id
--       5 forward JSON, or "" where it was taken  6 when it is due again (ms)
--       7 how long a notified job is waited for (ms)  8 msgpack: replies {id, JSON}
--       9 event JSON: that it was taken, or ""
-- Gives {1, or 0 where the claim is another's, notify the outbox 0|1}
local call = redis.call
if call('HGET', KEYS[3], ARGV[1]) ~= ARGV[4] .. ':' .. ARGV[2] then return {0, 0} end
local kinds = {'zset', 'hash', 'hash', 'zset', 'zset', 'zset', 'hash', 'string', 'stream'}
for place, kind in ipairs(kinds) do
  local wrong = wrong_type(KEYS[place], kind)
  if wrong then return wrong end
end
local replies = cmsgpack.unpack(ARGV[8])
local time = call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local now = string.format('%.0f', now_ms)

call('HDEL', KEYS[3], ARGV[1])
if ARGV[5] ~= '' then
  call('HSET', KEYS[2], ARGV[4], ARGV[5])
  call('ZADD', KEYS[1], ARGV[6], ARGV[3])
  return {1, 0}
end
call('HDEL', KEYS[2], ARGV[4])
call('ZREM', KEYS[4], ARGV[4])
call('ZREM', KEYS[5], ARGV[4])
if call('ZCARD', KEYS[5]) > 0 then
  call('ZADD', KEYS[1], now, ARGV[3])
else
  call('ZREM', KEYS[1], ARGV[3])
end
call('XADD', KEYS[9], '*', 'e', ARGV[9])
for _, reply in ipairs(replies) do
  call('HSET', KEYS[7], reply[1], reply[2])
  call('ZADD', KEYS[6], now, reply[1])
end
if #replies > 0 and tonumber(call('GET', KEYS[8]) or 0) <= now_ms then
  call('SET', KEYS[8], string.format('%.0f', now_ms + tonumber(ARGV[7])))
  return {1, 1}
end
return {1, 0}
