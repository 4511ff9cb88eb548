#!lua
-- Renew the write lease of the partitions of a server, and note what a host says of the opt-outs in
-- its spool: together, so that no host vouches for a store that lacks what this host has.
-- After a lapse the gate stays shut for a while, in which every host has time to say what it has.
-- The first partition speaks for all: a server takes writes for all of them or for none, and every
-- renewal and every report reaches the first one first.
-- A lease is renewed only on a server that was compared with the records: another one may be an
-- older copy. What a host says of its spool is noted all the same.
--
-- KEYS  metadata of the partitions: all of them on one server, one of them in a cluster
-- ARGV  1 how long the lease lasts (ms)  2 how long the gate stays shut after a lapse (ms)
--       3 how old a lease may be and is left alone (ms): one of many processes renews it
--       4 id of the host's spool or ""  5 JSON of what it holds, or "" where it has no opt-outs
--       6 run ids of servers that the caller has compared with the records
-- Gives until when the lease holds (ms), 1 where it was renewed, and the server's run id where
-- nobody has compared it yet, else ""
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lasts, shut, fresh = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- An error if it is no hash. `first` is the lease with which the store was made: where nobody has
-- renewed it yet, nobody can have lost a write, and it has not lapsed.
local found = call('HMGET', KEYS[1], 'lease', 'opens', 'spooled', 'first', 'compared')
local ends, opens = tonumber(found[1]) or 0, tonumber(found[2]) or 0

local before = found[3] or '{}'
local spooled = cjson.decode(before)
if ARGV[4] ~= '' then spooled[ARGV[4]] = ARGV[5] ~= '' and cjson.decode(ARGV[5]) or nil end
local after = cjson.encode(spooled)

local run_id = string.match(call('INFO', 'server'), 'run_id:(%w+)') or 'unknown'
local compared = string.find(ARGV[6], run_id, 1, true) and run_id or found[5] or ''
local unknown = compared ~= run_id and run_id or ''

-- A lease that ends later than one of now would is from before Redis's clock went back.
local renewed = unknown == '' and (ends < now + lasts - fresh or ends > now + lasts)
if renewed then
  local is_first = found[4] and found[1] == found[4]
  if (ends < now and not is_first) or opens > now + shut then opens = now + shut end
  ends = now + lasts
elseif after == before and compared == found[5] then
  return {ends, 0, unknown}
end
for _, metadata in ipairs(KEYS) do
  call('HSET', metadata, 'lease', string.format('%.0f', ends),
    'opens', string.format('%.0f', opens), 'spooled', after, 'compared', compared)
end
return {ends, renewed and 1 or 0, unknown}
