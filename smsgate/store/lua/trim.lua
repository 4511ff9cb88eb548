#!lua flags=allow-oom
-- Take entries out of a partition's ledger that the records have, and note how far those are.
-- Atomic, so that `kept` never says less than what is gone, and never goes back. It goes on by as
-- many entries as are taken out and no further: entries that are not there any more were taken out
-- by another mover, who noted it, or were lost with all that they changed. It runs although Redis is
-- full (allow-oom), since it makes room there.
--
-- KEYS  1 ledger  2 kept
-- ARGV  1 the records' newest sequence number of the partition  2… ids of ledger entries
-- Gives how many entries were there.
local wrong = wrong_type(KEYS[1], 'stream') or wrong_type(KEYS[2], 'string')
if wrong then return wrong end
if not tonumber(ARGV[1]) then return redis.error_reply('ERR the sequence number is none') end

local gone = 0
for place = 2, #ARGV do gone = gone + redis.call('XDEL', KEYS[1], ARGV[place]) end
local kept = tonumber(redis.call('GET', KEYS[2]) or 0)
local known = math.min(kept + gone, tonumber(ARGV[1]))
if kept < known then redis.call('SET', KEYS[2], string.format('%.0f', known)) end
return gone
