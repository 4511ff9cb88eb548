#!lua flags=no-writes
-- One look at a partition: everything that says whether numbers may be texted, at one moment.
-- Read separately, a number that moves from hold to set would be seen in neither.
--
-- KEYS  1 marker  2 programs  3 holds  4 reviews  5… sets and number keys
-- ARGV  1 name of a program or ""
--       2 msgpack: {hold fields, review fields, list of {index of a set in KEYS, member},
--         indices of number keys in KEYS}
-- Gives {marker fields, program or "", now_us, holds, reviews, memberships, number states}
local marker = redis.call('HMGET', KEYS[1], 'ready', 'layout', 'buckets')
local wanted = cmsgpack.unpack(ARGV[2])
local program = ARGV[1] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) or ''
local time = redis.call('TIME')

local function fields(key, names)
  if #names == 0 then return {} end
  return redis.call('HMGET', key, unpack(names))
end

local members = {}
for place, pair in ipairs(wanted[3]) do
  members[place] = redis.call('SISMEMBER', KEYS[pair[1]], pair[2])
end
local states = {}
for place, index in ipairs(wanted[4]) do
  states[place] = redis.call('GET', KEYS[index]) or ''
end
return {
  marker, program or '', tonumber(time[1]) * 1000000 + tonumber(time[2]),
  fields(KEYS[3], wanted[1]), fields(KEYS[4], wanted[2]), members, states,
}
