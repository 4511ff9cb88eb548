#!lua
-- Write down what became of a reply, once.
--
-- KEYS  1 sent  2 ledger
-- ARGV  1 what is remembered of the reply  2 event JSON
-- Gives 1, or 0 where nothing of that kind is waited for
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local wrong = wrong_type(KEYS[2], 'stream')
if wrong then return wrong end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
redis.call('DEL', KEYS[1])
return 1
