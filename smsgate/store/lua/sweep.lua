#!lua
-- Which jobs does a partition need that nobody has been asked for, or that never came?
--
-- KEYS  1 inbox  2 outbox  3 notify:inbox  4 notify:outbox
-- ARGV  1 how long a notified job is waited for (ms)
-- Gives {notify the inbox 0|1, notify the outbox 0|1}
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local until_ms = string.format('%.0f', now_ms + tonumber(ARGV[1]))
local function overdue(key) return tonumber(redis.call('GET', key) or 0) <= now_ms end

local notify = {0, 0}
if redis.call('XLEN', KEYS[1]) > 0 and overdue(KEYS[3]) then
  redis.call('SET', KEYS[3], until_ms)
  notify[1] = 1
end
if redis.call('ZCOUNT', KEYS[2], '-inf', string.format('%.0f', now_ms)) > 0 and overdue(KEYS[4]) then
  redis.call('SET', KEYS[4], until_ms)
  notify[2] = 1
end
return notify
