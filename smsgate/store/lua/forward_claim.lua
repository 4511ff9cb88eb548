#!lua
-- Claim the oldest forwards of numbers that are due, so that nobody else is at them while the
-- lease runs. Of a number it is only ever one. A claim whose answer is lost on its way is due
-- again when the lease ends: a forward may be made twice, its id tells. A partition that is not ready
-- has none: it is rebuilt, and its forwards come back in their order.
--
-- KEYS  1 forwards-due:PROGRAM  2 forwards  3 forwards-claims  4 metadata
-- ARGV  1 what the names of forwards:PROGRAM:NUMBER begin with  2 PROGRAM:  3 the caller's token
--       4 lease (ms)  5 how many at most
-- Gives {now_us, forward JSON, …}
local call = redis.call
local wrong = wrong_type(KEYS[1], 'zset') or wrong_type(KEYS[2], 'hash') or wrong_type(KEYS[3], 'hash')
  or wrong_type(KEYS[4], 'hash')
if wrong then return wrong end
local time = call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now / 1000)
if call('HGET', KEYS[4], 'ready') ~= '1' then return {now} end

local due = call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now_ms), 'BYSCORE', 'LIMIT', 0, ARGV[5])
local found, idle = {}, {}
for _, number in ipairs(due) do
  local queue = ARGV[1] .. number
  wrong = wrong_type(queue, 'zset')
  if wrong then return wrong end
  local id = call('ZRANGE', queue, 0, 0)[1]
  local forward = id and call('HGET', KEYS[2], id)
  if forward then found[#found + 1] = {number, id, forward} else idle[#idle + 1] = number end
end

local claimed, until_ms = {now}, string.format('%.0f', now_ms + tonumber(ARGV[4]))
for _, one in ipairs(found) do
  call('HSET', KEYS[3], ARGV[2] .. one[1], one[2] .. ':' .. ARGV[3])
  call('ZADD', KEYS[1], until_ms, one[1])
  claimed[#claimed + 1] = one[3]
end
for _, number in ipairs(idle) do call('ZREM', KEYS[1], number) end
return claimed
