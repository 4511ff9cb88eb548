#!lua
-- Say what became of a claimed reply: done with it (with its event), or due again later.
-- Only the holder of the claim may say so.
--
-- KEYS  1 outbox  2 replies  3 claims  4 ledger  5 dead  6 sent, where the provider gave an id
-- ARGV  1 reply id  2 token of the claim  3 event JSON or ""  4 reply JSON or ""  5 due (ms)
--       6 dead letter JSON or ""  7 what is remembered until the receipt  8 for how long (s)
-- Gives 0 where the claim is another's, else 1, or the receipt that came before
local token = redis.call('HGET', KEYS[3], ARGV[1])
if token ~= ARGV[2] and token ~= ARGV[2] .. '+' then return 0 end  -- + as claim.lua marks it
local wrong = wrong_type(KEYS[1], 'zset') or wrong_type(KEYS[2], 'hash')
  or wrong_type(KEYS[4], 'stream') or wrong_type(KEYS[5], 'hash')
if wrong then return wrong end
local early
if KEYS[6] then
  early = redis.call('GET', KEYS[6])
  redis.call('SET', KEYS[6], ARGV[7], 'EX', ARGV[8])
end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[4], '*', 'e', ARGV[3]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[5], ARGV[1], ARGV[6]) end
redis.call('HDEL', KEYS[3], ARGV[1])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
  redis.call('ZADD', KEYS[1], ARGV[5], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return early or 1
