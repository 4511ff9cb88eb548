-- Stands before every script of this folder.
-- A script is no transaction: an error in its middle keeps what was written before. So every key
-- that a script writes is checked before its first write.
local function wrong_type(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ', not a ' .. kind)
  end
end
