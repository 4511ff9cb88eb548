#!lua
-- Take a forward out that was given up: back to those that wait, in its old place, or for good.
--
-- KEYS  1 forwards-due:PROGRAM  2 forwards  3 forwards-since  4 forwards:PROGRAM:NUMBER
--       5 forwards-dead  6 ledger
-- ARGV  1 number  2 forward id  3 forward JSON, or "" to forward it no more
--       4 event JSON, or "" for none
-- Gives 1, or 0 where no such forward was given up
local call = redis.call
local kinds = {'zset', 'hash', 'zset', 'zset', 'hash', 'stream'}
for place, kind in ipairs(kinds) do
  local wrong = wrong_type(KEYS[place], kind)
  if wrong then return wrong end
end
local time = call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
if call('HDEL', KEYS[5], ARGV[2]) == 0 then return 0 end
if ARGV[4] ~= '' then call('XADD', KEYS[6], '*', 'e', ARGV[4]) end
if ARGV[3] ~= '' then
  call('HSET', KEYS[2], ARGV[2], ARGV[3])
  call('ZADD', KEYS[3], now, ARGV[2])
  call('ZADD', KEYS[4], 0, ARGV[2])
  call('ZADD', KEYS[1], 'NX', now, ARGV[1])
end
return 1
