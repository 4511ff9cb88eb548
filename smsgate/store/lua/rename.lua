-- Moves what stands under a program's former name to its name: sets, united with what is there,
-- and texts that wait for a person. Again, it moves only what came since.
--
-- KEYS  1 reviews, then pairs: a set under the former name, the set under the name
-- ARGV  1 the former name  2 the name
-- Gives how many sets were moved
local moved = 0
for place = 2, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[place]) == 1 then
    redis.call('SUNIONSTORE', KEYS[place + 1], KEYS[place + 1], KEYS[place])
    redis.call('DEL', KEYS[place])
    moved = moved + 1
  end
end
local former = ARGV[1] .. ':'
local waiting = redis.call('HGETALL', KEYS[1])
for place = 1, #waiting, 2 do
  if string.sub(waiting[place], 1, #former) == former then
    redis.call('HSETNX', KEYS[1], ARGV[2] .. ':' .. string.sub(waiting[place], #former + 1), waiting[place + 1])
    redis.call('HDEL', KEYS[1], waiting[place])
  end
end
return moved
