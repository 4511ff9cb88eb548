#!lua
-- Commit the effects of a batch of inbox entries, all or nothing.
-- Refuses before its first write if another worker has moved the cursor.
--
-- KEYS  1 marker  2 cursor  3 inbox  4 holds  5 reviews  6 ledger  7 outbox  8 replies
--       9 wake:inbox  10 wake:outbox  11 forwards  12 forwards-since
--       13… sets, then number keys, then of each forward forwards:PROGRAM:NUMBER and
--       forwards-due:PROGRAM
-- ARGV  1 the cursor that was read  2 the new cursor  3 how long a wake is waited for (ms)
--       4 how long a number's state is kept (s)  5 how many of KEYS are sets
--       6 msgpack: {adds {set index, member}, removes {…}, states {key index, JSON},
--         holds {field, id}, reviews that end {field, id of what ends it},
--         replies {id, JSON, due_ms}, events,
--         forwards {id, JSON, number, index of the first of its two keys}}
--       7 how many of KEYS are number keys
-- Gives {1 committed | 0 cursor moved | -1 not ready, wake the outbox 0|1, entries left}
if redis.call('HGET', KEYS[1], 'ready') ~= '1' then return {-1, 0, 0} end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return {0, 0, 0} end

local kinds = {'hash', 'string', 'stream', 'hash', 'hash', 'stream', 'zset', 'hash', 'string', 'string',
  'hash', 'zset'}
local function newer(one, other)
  local ms, seq = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_seq = string.match(other, '^(%d+)-(%d+)$')
  if not ms or not other_ms then return false end
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(seq) > tonumber(other_seq)
end
local wake_ms, keep_s, sets = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function kind_of(place)
  if place <= #kinds then return kinds[place] end
  if place <= #kinds + sets then return 'set' end
  return place <= #kinds + sets + tonumber(ARGV[7]) and 'string' or 'zset'
end
for place, key in ipairs(KEYS) do
  local wrong = wrong_type(key, kind_of(place))
  if wrong then return wrong end
end
local adds, removes, states, holds, reviews, replies, events, forwards =
  unpack(cmsgpack.unpack(ARGV[6]))
local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
if not ms then return redis.error_reply('ERR the new cursor is no stream id') end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

for _, pair in ipairs(adds) do redis.call('SADD', KEYS[pair[1]], pair[2]) end
for _, pair in ipairs(removes) do redis.call('SREM', KEYS[pair[1]], pair[2]) end
for _, pair in ipairs(states) do redis.call('SET', KEYS[pair[1]], pair[2], 'EX', keep_s) end
for _, pair in ipairs(holds) do
  -- A newer opt-out that still waits has put its own id here; its hold stays.
  if redis.call('HGET', KEYS[4], pair[1]) == pair[2] then redis.call('HDEL', KEYS[4], pair[1]) end
end
for _, pair in ipairs(reviews) do
  -- A text that came after what ends the wait has been seen by nobody: it waits on.
  local first, newest = string.match(redis.call('HGET', KEYS[5], pair[1]) or '', '^(%S+) ?(%S*)$')
  if newest and newest ~= '' and newer(newest, pair[2]) then
    if not newer(first, pair[2]) then redis.call('HSET', KEYS[5], pair[1], newest) end
  elseif first and not newer(first, pair[2]) then
    redis.call('HDEL', KEYS[5], pair[1])
  end
end
for _, event in ipairs(events) do redis.call('XADD', KEYS[6], '*', 'e', event) end
for _, reply in ipairs(replies) do
  redis.call('HSET', KEYS[8], reply[1], reply[2])
  redis.call('ZADD', KEYS[7], reply[3], reply[1])
end
for _, forward in ipairs(forwards) do
  local id, json, number, place = unpack(forward)
  redis.call('HSET', KEYS[11], id, json)
  redis.call('ZADD', KEYS[12], string.format('%.0f', now_ms), id)
  redis.call('ZADD', KEYS[place], 0, id)
  redis.call('ZADD', KEYS[place + 1], 'NX', string.format('%.0f', now_ms), number)
end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('XTRIM', KEYS[3], 'MINID', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))

local left = redis.call('XLEN', KEYS[3])
local until_ms = string.format('%.0f', now_ms + wake_ms)
-- Even where the inbox is empty now: its worker looks again before it rests.
redis.call('SET', KEYS[9], until_ms)
local wake = 0
if #replies > 0 and tonumber(redis.call('GET', KEYS[10]) or 0) <= now_ms then
  redis.call('SET', KEYS[10], until_ms)
  wake = 1
end
return {1, wake, left}
