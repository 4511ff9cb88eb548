#!lua
-- Take calls from an API key's bucket (GCRA, which is a token bucket in one number: the moment at
-- which the bucket would be full again).
--
-- KEYS  1 when the bucket is full again (us)
-- ARGV  1 time in which one call comes back (us)  2 calls of a full bucket  3 calls wanted
-- Gives 0, or how long to wait for so many (us); then nothing was taken
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + each * wanted
local wait = full - each * burst - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', (full - now) / 1000 + 1000))
return 0
