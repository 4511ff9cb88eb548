#!lua
-- Believe no longer what a host said of the opt-outs in its spools.
--
-- KEYS  1 metadata
-- ARGV  1 name of the host
-- Gives JSON of what it had said, by id of its spool
local wrong = wrong_type(KEYS[1], 'hash')
if wrong then return wrong end
local gone, left = {}, {}
for id, said in pairs(cjson.decode(redis.call('HGET', KEYS[1], 'spooled') or '{}')) do
  local of = said.host == ARGV[1] and gone or left
  of[id] = said
end
if next(gone) == nil then return '{}' end
if next(left) == nil then
  redis.call('HDEL', KEYS[1], 'spooled')
else
  redis.call('HSET', KEYS[1], 'spooled', cjson.encode(left))
end
return cjson.encode(gone)
