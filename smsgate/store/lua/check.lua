#!lua flags=no-writes
-- One look at a partition for one program: what stands between it and each of many numbers.
-- All at one moment: a number that moves from hold to set would otherwise be seen in neither.
--
-- Names of sets are made here, from the partition's prefix: there are up to five for each bucket, and
-- most do not exist. All of them are in the slot of KEYS[1].
--
-- KEYS  1 metadata  2 programs  3 holds  4 reviews
-- ARGV  1 prefix of the partition's keys  2 name of the program
--       then for each bucket: its index, how many numbers, and these without their plus
-- Gives {metadata fields, program, one byte of bits a number, {place, state of a number, …},
--   now_ms}
local metadata = redis.call('HMGET', KEYS[1], 'ready', 'layout', 'buckets', 'lease', 'opens', 'spooled')
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local prefix, name = ARGV[1], ARGV[2]
local program = redis.call('HGET', KEYS[2], name) or ''
local published = program ~= '' and cjson.decode(program) or {}
-- A name that a program had stands for the one that it has.
for _ = 1, 8 do
  if (published.now or '') == '' then break end
  name = published.now
  program = redis.call('HGET', KEYS[2], name) or ''
  published = program ~= '' and cjson.decode(program) or {}
end
-- What still holds under a former name, because nobody moved it yet, holds for the program.
local names = published.formerly or {}
table.insert(names, 1, name)
local LOCKED, OPTED_OUT, EVERYWHERE, EXCEPTION, HELD_ALL, HELD, REVIEW, CONSENT = 1, 2, 4, 8, 16, 32, 64, 128

local byte = {}
for value = 0, 255 do byte[value] = string.char(value) end

-- Which of a bucket's numbers are in a set; nothing where none is. A bucket of a short list has
-- one number mostly, and a reply that is no table costs a third of one.
local function members(kind, bucket, first, last)
  local key = prefix .. kind .. ':' .. bucket
  if first == last then
    if redis.call('SISMEMBER', key, ARGV[first]) == 1 then return {1} end
    return nil
  end
  if redis.call('EXISTS', key) == 0 then return nil end
  return redis.call('SMISMEMBER', key, unpack(ARGV, first, last))
end

-- Locks and a program's own opt-outs are rare beside those of scope all: one question for those of
-- a bucket, and before it one for those of many buckets, since most of the time goes into asking.
local stems = {prefix .. 'lock:'}
for place, one in ipairs(names) do stems[place + 1] = prefix .. 'set:' .. one .. ':' end
local function rare(first, last)
  local sets, at = {}, first
  while at < last do
    for _, stem in ipairs(stems) do sets[#sets + 1] = stem .. ARGV[at] end
    at = at + 2 + ARGV[at + 1]
  end
  return redis.call('EXISTS', unpack(sets)) > 0, at
end

-- Which of a bucket's numbers have opted out of the program, under whichever of its names.
local function own_of(bucket, first, last)
  local own = {}
  for _, one in ipairs(names) do
    for offset, is in ipairs(members('set:' .. one, bucket, first, last) or {}) do
      if is == 1 then own[offset] = 1 end
    end
  end
  return own
end

-- Fields of a hash such as alerts:+14155550123. Where the hash is small it is read whole,
-- else asked for each number.
local function fields(key, asked)
  local count = redis.call('HLEN', key)
  if count == 0 then return nil end
  if count > 2 * asked then
    return function(field) return redis.call('HEXISTS', key, field) == 1 end
  end
  local known = {}
  for _, field in ipairs(redis.call('HKEYS', key)) do known[field] = true end
  return function(field) return known[field] end
end
local held, waits = fields(KEYS[3], #ARGV), fields(KEYS[4], #ARGV)

-- A text in review holds what an opt-out by it would cover: of a program of scope all, every one.
local covering = {unpack(names)}
local others = waits and redis.call('HKEYS', KEYS[2]) or {}
for place, row in ipairs(#others > 0 and redis.call('HMGET', KEYS[2], unpack(others)) or {}) do
  if cjson.decode(row).scope ~= 'program' then covering[#covering + 1] = others[place] end
end

-- Whether there is such a field of a number under any of these names.
local function any(known, some, number)
  for _, one in ipairs(some) do
    if known(one .. number) then return true end
  end
  return false
end

local bytes, states, place, at = {}, {}, 0, 3
local looked, perhaps = at, false
while at <= #ARGV do
  if at >= looked then perhaps, looked = rare(at, math.min(at + 300, #ARGV)) end
  local bucket, count = ARGV[at], tonumber(ARGV[at + 1])
  local first, last = at + 2, at + 1 + count
  local some = perhaps and rare(at, last)
  local locked = some and members('lock', bucket, first, last)
  local own = some and own_of(bucket, first, last)
  local everywhere = members('set:all', bucket, first, last)
  local exceptions = everywhere and members('exceptions:' .. name, bucket, first, last)
  local consents = published.require_consent and members('consent:' .. name, bucket, first, last)
  for offset = 1, count do
    local bits = 0
    if locked and locked[offset] == 1 then bits = bits + LOCKED end
    if own and own[offset] == 1 then bits = bits + OPTED_OUT end
    if everywhere and everywhere[offset] == 1 then bits = bits + EVERYWHERE end
    if exceptions and exceptions[offset] == 1 then bits = bits + EXCEPTION end
    if consents and consents[offset] == 1 then bits = bits + CONSENT end
    if held then
      local number = ':+' .. ARGV[first + offset - 1]
      if held('all' .. number) then bits = bits + HELD_ALL end
      if any(held, names, number) then bits = bits + HELD end
    end
    if waits and any(waits, covering, ':+' .. ARGV[first + offset - 1]) then bits = bits + REVIEW end
    place = place + 1
    bytes[place] = byte[bits]
    if bits % 8 > 0 then
      local state = redis.call('GET', prefix .. 'number:+' .. ARGV[first + offset - 1])
      if state then
        states[#states + 1] = place - 1
        states[#states + 1] = state
      end
    end
  end
  at = last + 1
end
return {metadata, program, table.concat(bytes), states, now_ms}
