#!lua flags=no-writes
-- One look at a partition for one program: what stands between it and each of many numbers.
-- All at one moment: a number that moves from hold to set would otherwise be seen in neither.
--
-- Names of sets are made here, from the partition's prefix: there are up to five for each bucket, and
-- most do not exist. All of them are in the slot of KEYS[1].
--
-- KEYS  1 metadata  2 programs  3 holds  4 reviews
-- ARGV  1 prefix of the partition's keys  2 name of the program
--       3 msgpack: of each bucket {its index, number without its plus, …}. An argument for each
--         number would cost client and Redis more than what it asks
-- Gives {metadata fields, program, one byte of sights a number, {place, state of a number, …},
--   now_ms}
local metadata = redis.call('HMGET', KEYS[1], 'ready', 'layout', 'buckets', 'lease', 'opens', 'spooled')
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local prefix, name, groups = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[3])
local program = redis.call('HGET', KEYS[2], name) or ''
local told = program ~= '' and cjson.decode(program) or {}
-- A name that a program had stands for the one that it has.
for _ = 1, 8 do
  if (told.now or '') == '' then break end
  name = told.now
  program = redis.call('HGET', KEYS[2], name) or ''
  told = program ~= '' and cjson.decode(program) or {}
end
-- What still holds under a former name, because nobody moved it yet, holds for the program.
local names = told.formerly or {}
table.insert(names, 1, name)
local LOCKED, OWN, EVERYWHERE, BACK, HELD_ALL, HELD, REVIEW, CONSENT = 1, 2, 4, 8, 16, 32, 64, 128

local byte = {}
for value = 0, 255 do byte[value] = string.char(value) end

-- Which of a bucket's numbers are in a set; nothing where none is. A bucket of a short list has
-- one number mostly, and a reply that is no table costs a third of one.
local function members(kind, group)
  local key = prefix .. kind .. ':' .. group[1]
  if #group == 2 then
    if redis.call('SISMEMBER', key, group[2]) == 1 then return {1} end
    return nil
  end
  if redis.call('EXISTS', key) == 0 then return nil end
  return redis.call('SMISMEMBER', key, unpack(group, 2))
end

-- Locks and a program's own opt-outs are rare beside those of scope all: one question for those of
-- a bucket, and before it one for those of many buckets, since most of the time goes into asking.
local stems = {prefix .. 'lock:'}
for place, one in ipairs(names) do stems[place + 1] = prefix .. 'set:' .. one .. ':' end
local function rare(first, last)
  local sets = {}
  for at = first, last do
    for _, stem in ipairs(stems) do sets[#sets + 1] = stem .. groups[at][1] end
  end
  return redis.call('EXISTS', unpack(sets)) > 0
end

-- Which of a bucket's numbers have opted out of the program, under whichever of its names.
local function own_of(group)
  local own = {}
  for _, one in ipairs(names) do
    for offset, is in ipairs(members('set:' .. one, group) or {}) do
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
local asked = 0
for _, group in ipairs(groups) do asked = asked + #group - 1 end
local held, waits = fields(KEYS[3], asked), fields(KEYS[4], asked)

-- Whether there is such a field of a number under any of the program's names.
local function any(known, number)
  for _, one in ipairs(names) do
    if known(one .. number) then return true end
  end
  return false
end

local sights, states, place = {}, {}, 0
local looked, perhaps = 0, false
for at, group in ipairs(groups) do
  if at > looked then
    looked = math.min(at + 99, #groups)
    perhaps = rare(at, looked)
  end
  local some = perhaps and rare(at, at)
  local locked = some and members('lock', group)
  local own = some and own_of(group)
  local everywhere = members('set:all', group)
  local back = everywhere and members('back:' .. name, group)
  local consents = told.require_consent and members('consent:' .. name, group)
  for offset = 1, #group - 1 do
    local bits = 0
    if locked and locked[offset] == 1 then bits = bits + LOCKED end
    if own and own[offset] == 1 then bits = bits + OWN end
    if everywhere and everywhere[offset] == 1 then bits = bits + EVERYWHERE end
    if back and back[offset] == 1 then bits = bits + BACK end
    if consents and consents[offset] == 1 then bits = bits + CONSENT end
    if held then
      local number = ':+' .. group[offset + 1]
      if held('all' .. number) then bits = bits + HELD_ALL end
      if any(held, number) then bits = bits + HELD end
    end
    if waits and any(waits, ':+' .. group[offset + 1]) then bits = bits + REVIEW end
    place = place + 1
    sights[place] = byte[bits]
    if bits % 8 > 0 then
      local state = redis.call('GET', prefix .. 'number:+' .. group[offset + 1])
      if state then
        states[#states + 1] = place - 1
        states[#states + 1] = state
      end
    end
  end
end
return {metadata, program, table.concat(sights), states, now_ms}
