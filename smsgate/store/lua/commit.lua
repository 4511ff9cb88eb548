#!lua
-- Commit the effects of a batch of inbox entries, all or nothing.
-- Refuses before its first write if another worker has moved the cursor.
--
-- Most of the time goes into asking, so what can be asked of many keys or fields at once is. Names
-- that differ from number to number are made here, from the partition's prefix: all are in one slot.
--
-- KEYS  1 metadata  2 cursor  3 inbox  4 holds  5 reviews  6 ledger  7 outbox  8 replies
--       9 notify:inbox  10 notify:outbox  11 lists
-- ARGV  1 the cursor that was read  2 the new cursor  3 how long a notified job is waited for (ms)
--       4 how long a number's state is kept (s)  5 prefix of the partition's keys
--       6 msgpack: {adds {name of sets up to the bucket, {bucket, member, …}}, removes {…},
--         states {number, JSON}, holds {fields, ids}, reviews that end {fields, ids of what ends
--         each}, replies {id, JSON, due_ms}, events {fields of each}}
--       7 whether the batch has an entry of an import, 1 or 0
-- Gives {1 committed | 0 cursor moved | -1 not ready, notify the outbox 0|1, entries left}
local call = redis.call
if call('HGET', KEYS[1], 'ready') ~= '1' then return {-1, 0, 0} end
if (call('GET', KEYS[2]) or '') ~= ARGV[1] then return {0, 0, 0} end

local kinds = {'hash', 'string', 'stream', 'hash', 'hash', 'stream', 'zset', 'hash', 'string', 'string',
  'string'}
local ONCE = 1000 -- Values that one call is given at most.
local notify_ms, keep_s, prefix = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local adds, removes, states, holds, reviews, replies, events = unpack(cmsgpack.unpack(ARGV[6]))
local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
if not ms then return redis.error_reply('ERR the new cursor is no stream id') end

local function newer(one, other)
  local ms, seq = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_seq = string.match(other, '^(%d+)-(%d+)$')
  if not ms or not other_ms then return false end
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(seq) > tonumber(other_seq)
end
-- Do something with every slice of a list that one call can be given.
local function slices(list, act)
  for first = 1, #list, ONCE do act(first, math.min(first + ONCE - 1, #list)) end
end
-- The values of a hash's fields, by field; false where there is none.
local function values(key, fields)
  local found = {}
  slices(fields, function(first, last)
    for place, value in ipairs(call('HMGET', key, unpack(fields, first, last))) do
      found[fields[first + place - 1]] = value
    end
  end)
  return found
end

-- Names of sets, and beside each in which place of which list its member stands.
local sets = {}
local function named(groups)
  local moves = {}
  for _, group in ipairs(groups) do
    local stem, pairs_ = prefix .. group[1], group[2]
    for at = 1, #pairs_, 2 do
      local key = stem .. pairs_[at]
      sets[#sets + 1] = key
      moves[#moves + 1] = {key, pairs_[at + 1]}
    end
  end
  return moves
end
local added, removed = named(adds), named(removes)
local numbers = {}
for place, pair in ipairs(states) do numbers[place] = prefix .. 'number:' .. pair[1] end

for place, key in ipairs(KEYS) do
  local wrong = wrong_type(key, kinds[place])
  if wrong then return wrong end
end
-- An error where one of them is no set; what they have in common is not wanted.
slices(sets, function(first, last)
  local asked = {unpack(sets, first, last)}
  asked[#asked + 1] = 'LIMIT'
  asked[#asked + 1] = 1
  call('SINTERCARD', last - first + 1, unpack(asked))
end)
local remembered = 0
slices(numbers, function(first, last)
  remembered = remembered + call('EXISTS', unpack(numbers, first, last))
end)
for _, key in ipairs(remembered > 0 and numbers or {}) do
  local wrong = wrong_type(key, 'string')
  if wrong then return wrong end
end
local time = call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

for _, pair in ipairs(added) do call('SADD', pair[1], pair[2]) end
for _, pair in ipairs(removed) do call('SREM', pair[1], pair[2]) end
for place, pair in ipairs(states) do call('SET', numbers[place], pair[2], 'EX', keep_s) end
local held, over = values(KEYS[4], holds[1]), {}
for place, field in ipairs(holds[1]) do
  -- A newer opt-out that still waits has put its own id here; its hold stays.
  if held[field] == holds[2][place] then over[#over + 1] = field end
end
slices(over, function(first, last) call('HDEL', KEYS[4], unpack(over, first, last)) end)
local waits = call('HLEN', KEYS[5]) > 0 and values(KEYS[5], reviews[1]) or {}
for place, field in ipairs(next(waits) and reviews[1] or {}) do
  -- A text that came after what ends the wait has been seen by nobody: it waits on.
  local ends = reviews[2][place]
  local first, newest = string.match(waits[field] or '', '^(%S+) ?(%S*)$')
  if newest and newest ~= '' and newer(newest, ends) then
    if not newer(first, ends) then
      call('HSET', KEYS[5], field, newest)
      waits[field] = newest
    end
  elseif first and not newer(first, ends) then
    call('HDEL', KEYS[5], field)
    waits[field] = false
  end
end
for _, event in ipairs(events) do call('XADD', KEYS[6], '*', unpack(event)) end
for _, reply in ipairs(replies) do
  call('HSET', KEYS[8], reply[1], reply[2])
  call('ZADD', KEYS[7], reply[3], reply[1])
end
call('SET', KEYS[2], ARGV[2])
if ARGV[7] == '1' then call('SET', KEYS[11], ARGV[2]) end
call('XTRIM', KEYS[3], 'MINID', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))

local left = call('XLEN', KEYS[3])
local until_ms = string.format('%.0f', now_ms + notify_ms)
-- Even where the inbox is empty now: its worker looks again before it rests.
call('SET', KEYS[9], until_ms)
local notify = 0
if #replies > 0 and tonumber(call('GET', KEYS[10]) or 0) <= now_ms then
  call('SET', KEYS[10], until_ms)
  notify = 1
end
return {1, notify, left}
