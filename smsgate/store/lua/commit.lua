#!lua
-- Commit the effects of a batch of inbox entries, all or nothing.
-- Refuses before its first write if another worker has moved the cursor.
--
-- KEYS  1 marker  2 cursor  3 inbox  4 holds  5 reviews  6 ledger  7 outbox  8 replies
--       9 wake:inbox  10 wake:outbox  11… sets, then number keys
-- ARGV  1 the cursor that was read  2 the new cursor  3 how long a wake is waited for (ms)
--       4 how long a number's state is kept (s)  5 how many of KEYS are sets
--       6 msgpack: {adds {set index, member}, removes {…}, states {key index, JSON},
--         holds {field, id}, review fields to close, replies {id, JSON, due_ms}, events}
-- Gives {1 committed | 0 cursor moved | -1 not ready, wake the outbox 0|1, entries left}
if redis.call('HGET', KEYS[1], 'ready') ~= '1' then return {-1, 0, 0} end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return {0, 0, 0} end

local kinds = {'hash', 'string', 'stream', 'hash', 'hash', 'stream', 'zset', 'hash', 'string', 'string'}
local wake_ms, keep_s, sets = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for place, key in ipairs(KEYS) do
  local wrong = wrong_type(key, kinds[place] or (place <= 10 + sets and 'set') or 'string')
  if wrong then return wrong end
end
local adds, removes, states, holds, reviews, replies, events = unpack(cmsgpack.unpack(ARGV[6]))
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
for _, field in ipairs(reviews) do redis.call('HDEL', KEYS[5], field) end
for _, event in ipairs(events) do redis.call('XADD', KEYS[6], '*', 'e', event) end
for _, reply in ipairs(replies) do
  redis.call('HSET', KEYS[8], reply[1], reply[2])
  redis.call('ZADD', KEYS[7], reply[3], reply[1])
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
