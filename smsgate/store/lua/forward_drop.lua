#!lua
-- Take a forward out that waits: given up, with its event, or for good. One that a sender is at is
-- left alone if it is to be given up: the sender says what becomes of it.
--
-- KEYS  1 forwards-due:PROGRAM  2 forwards  3 forwards-claims  4 forwards-since
--       5 forwards:PROGRAM:NUMBER  6 forwards-dead  7 ledger
-- ARGV  1 PROGRAM:NUMBER  2 number  3 forward id  4 dead letter JSON, or "" for good
--       5 event JSON, or "" for none
-- Gives 1, or 0 where it does not wait, or is left alone
local call = redis.call
local kinds = {'zset', 'hash', 'hash', 'zset', 'zset', 'hash', 'stream'}
for place, kind in ipairs(kinds) do
  local wrong = wrong_type(KEYS[place], kind)
  if wrong then return wrong end
end
local time = call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local mark = ARGV[3] .. ':'
local claimed = string.sub(call('HGET', KEYS[3], ARGV[1]) or '', 1, #mark) == mark
local under_way = claimed and tonumber(call('ZSCORE', KEYS[1], ARGV[2]) or 0) > now_ms
local first = call('ZRANGE', KEYS[5], 0, 0)[1] == ARGV[3]
if ARGV[4] ~= '' and under_way then return 0 end
if call('HEXISTS', KEYS[2], ARGV[3]) == 0 then return 0 end

call('HDEL', KEYS[2], ARGV[3])
call('ZREM', KEYS[4], ARGV[3])
call('ZREM', KEYS[5], ARGV[3])
if claimed then call('HDEL', KEYS[3], ARGV[1]) end
if call('ZCARD', KEYS[5]) == 0 then
  call('ZREM', KEYS[1], ARGV[2])
elseif first or claimed then
  call('ZADD', KEYS[1], string.format('%.0f', now_ms), ARGV[2])
end
if ARGV[4] ~= '' then call('HSET', KEYS[6], ARGV[3], ARGV[4]) end
if ARGV[5] ~= '' then call('XADD', KEYS[7], '*', 'e', ARGV[5]) end
return 1
