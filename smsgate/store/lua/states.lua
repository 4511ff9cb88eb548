#!lua flags=no-writes
-- In which sets are numbers of a partition, with several programs, and what is remembered of them?
-- All at one moment. Names of sets are made here, from the partition's prefix. Most of them do not
-- exist, and most of the time goes into asking: so the script first asks, of all numbers at once,
-- whether any of a kind does.
--
-- KEYS  1 metadata  2 programs  3 holds
-- ARGV  1 prefix of the partition's keys  2 bucket count
--       3 name of the program whose holds are wanted, or ""
--       4 how many sets  5… their names between prefix and bucket, then numbers without their plus
-- Gives {metadata fields, now_us,
--   of each number a string of 0 and 1: a digit a set, then, where holds are wanted, whether an
--   opt-out of scope all is held, and one of the program,
--   {place, state, …}, the program or ""}
local call = redis.call
local prefix, buckets, program, width = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local metadata = call('HMGET', KEYS[1], 'ready', 'layout', 'buckets')
local time = call('TIME')
local before = 4 + width
local count = #ARGV - before

-- The names, where any of them exists.
local function existing(stem, ends)
  local names = {}
  for at = 1, count do names[at] = stem .. ends[at] end
  return count > 0 and call('EXISTS', unpack(names)) > 0 and names or nil
end

local ends, columns, zeros = {}, {}, {}
for at = 1, count do ends[at] = string.format('%d', tonumber(ARGV[before + at]) % buckets) end
for place = 1, width do
  columns[place] = existing(prefix .. ARGV[4 + place], ends)
  zeros[place] = 0
end
local bits, nowhere, anywhere = {}, table.concat(zeros), next(columns)
for at = 1, count do
  if anywhere then
    for place, names in pairs(columns) do
      zeros[place] = call('SISMEMBER', names[at], ARGV[before + at])
    end
  end
  bits[at] = anywhere and table.concat(zeros) or nowhere
  if program ~= '' then
    local number = ':+' .. ARGV[before + at]
    bits[at] = bits[at] .. call('HEXISTS', KEYS[3], 'all' .. number)
      .. call('HEXISTS', KEYS[3], program .. number)
  end
end

local states = {}
for at = 1, count do ends[at] = ARGV[before + at] end
for at, name in ipairs(existing(prefix .. 'number:+', ends) or {}) do
  local state = call('GET', name)
  if state then
    states[#states + 1] = at - 1
    states[#states + 1] = state
  end
end
return {
  metadata, tonumber(time[1]) * 1000000 + tonumber(time[2]), bits, states,
  program ~= '' and call('HGET', KEYS[2], program) or '',
}
