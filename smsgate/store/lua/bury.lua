#!lua
-- Take a dead letter out: back into the outbox, or away for good; with its event.
--
-- KEYS  1 dead  2 outbox  3 replies  4 ledger
-- ARGV  1 reply id  2 reply JSON, or "" to send it no more  3 event JSON
-- Gives 1, or 0 where there is no such dead letter
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'hash') or wrong_type(KEYS[4], 'stream')
if wrong then return wrong end
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[4], '*', 'e', ARGV[3])
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
end
return 1
