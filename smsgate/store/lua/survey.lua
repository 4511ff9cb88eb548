#!lua flags=no-writes
-- In which sets are numbers of a lane, with several programs, and what is remembered of them?
-- Names of sets are made here, from the lane's prefix: most of them do not exist.
--
-- KEYS  1 marker
-- ARGV  1 prefix of the lane's keys  2 bucket count  3 whether states are asked for, 1 or 0
--       4 how many sets  5… their names between prefix and bucket, then numbers without their plus
-- Gives {marker fields, now_us, of each number a string of 0 and 1 (a digit a set),
--   {place, state, …}}
local call = redis.call
local prefix, buckets, remembered, width = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local marker = call('HMGET', KEYS[1], 'ready', 'layout', 'buckets')
local time = call('TIME')

local stems, bits, states = {}, {}, {}
for place = 1, width do stems[place] = prefix .. ARGV[4 + place] end
for at = 5 + width, #ARGV do
  local number, seen = ARGV[at], {}
  local bucket = string.format('%.0f', tonumber(number) % buckets)
  for place = 1, width do
    seen[place] = call('SISMEMBER', stems[place] .. bucket, number)
  end
  bits[#bits + 1] = table.concat(seen)
  local state = remembered and call('GET', prefix .. 'number:+' .. number)
  if state then
    states[#states + 1] = #bits - 1
    states[#states + 1] = state
  end
end
return {marker, tonumber(time[1]) * 1000000 + tonumber(time[2]), bits, states}
