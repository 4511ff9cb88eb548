#!lua
-- Say that an application accepted a text, and put what it answered into the outbox: once, however
-- often it was called.
--
-- KEYS  1 ledger  2 outbox  3 replies  4 notify:outbox  5 answered:EVENT
-- ARGV  1 event JSON  2 msgpack: replies {id, JSON}  3 how long a notified job is waited for (ms)
--       4 how long it is known that this text was answered (s)
-- Gives whether the outbox is to be notified, 0 or 1
local call = redis.call
for place, kind in ipairs({'stream', 'zset', 'hash', 'string', 'string'}) do
  local wrong = wrong_type(KEYS[place], kind)
  if wrong then return wrong end
end
local replies = cmsgpack.unpack(ARGV[2])
if call('EXISTS', KEYS[5]) == 1 then return 0 end
local time = call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

call('XADD', KEYS[1], '*', 'e', ARGV[1])
if #replies == 0 then return 0 end
call('SET', KEYS[5], '1', 'EX', ARGV[4])
for _, reply in ipairs(replies) do
  call('HSET', KEYS[3], reply[1], reply[2])
  call('ZADD', KEYS[2], string.format('%.0f', now_ms), reply[1])
end
if tonumber(call('GET', KEYS[4]) or 0) > now_ms then return 0 end
call('SET', KEYS[4], string.format('%.0f', now_ms + tonumber(ARGV[3])))
return 1
