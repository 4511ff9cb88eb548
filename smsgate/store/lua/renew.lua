#!lua
-- Renew a partition's write lease, and note what a host says of the opt-outs in its spool: together,
-- so that no host vouches for a store that lacks what this host has.
-- After a lapse the gate stays shut for a while, in which every host has time to say what it has.
--
-- KEYS  1 metadata
-- ARGV  1 how long the lease lasts (ms)  2 how long the gate stays shut after a lapse (ms)
--       3 how old a lease may be and is left alone (ms): one of many processes renews it
--       4 id of the host's spool or ""  5 JSON of what it holds, or "" where it has no opt-outs
-- Gives 1 where it was renewed
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lasts, shut, fresh = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = call('HMGET', KEYS[1], 'lease', 'opens', 'spooled') -- an error if it is no hash
local ends, opens = tonumber(found[1]) or 0, tonumber(found[2]) or 0

local before = found[3] or '{}'
local spooled = cjson.decode(before)
if ARGV[4] ~= '' then spooled[ARGV[4]] = ARGV[5] ~= '' and cjson.decode(ARGV[5]) or nil end
local after = cjson.encode(spooled)
if next(spooled) == nil then
  if found[3] then call('HDEL', KEYS[1], 'spooled') end
elseif after ~= before then
  call('HSET', KEYS[1], 'spooled', after)
end

-- A lease that ends later than one of now would is from before Redis's clock went back.
if ends >= now + lasts - fresh and ends <= now + lasts then return 0 end
if ends < now or opens > now + shut then opens = now + shut end
call('HSET', KEYS[1], 'lease', string.format('%.0f', now + lasts), 'opens', string.format('%.0f', opens))
return 1
