#!lua
-- Put entries into a partition's inbox: dedupe, set the event time, hold, append, and say whether
-- a worker is to be notified.
-- One script, because a hold without its entry would block for ever and an entry without its
-- hold would let a send pass after the 200.
--
-- All reading comes before the first write: a key of the wrong type ends the script there, for
-- which alone HLEN is asked. The inbox is the first that is written.
--
-- KEYS  1 inbox  2 holds  3 reviews  4 notify:inbox  5 optins  6… the seen keys
-- ARGV  1 how long a notified job is waited for (ms)  2 how long a message id is remembered (s)
--       3 how long a fingerprint is remembered (s)
--       4 msgpack: list of {payload, age_us, sent_us or false, hold field or "",
--         review field or "", index of the seen key or 0, member of optins or "", keep for ever,
--         fingerprint or ""}
-- Gives {notify 0|1, id or "" for a duplicate, …}
local call = redis.call
local entries = cmsgpack.unpack(ARGV[4])
local notified_ms = tonumber(call('GET', KEYS[4]) or 0)
call('HLEN', KEYS[2])
call('HLEN', KEYS[3])

local result, fresh, met = {0}, {}, {}
for place, entry in ipairs(entries) do
  local seen, member, fingerprint = entry[6], entry[7], entry[9]
  local known = false
  if seen > 0 then
    local key = KEYS[5 + seen]
    if fingerprint ~= '' then
      -- Only the last text counts: STOP, START, STOP within seconds are three messages.
      known = (met[key] or call('GET', key)) == fingerprint
      met[key] = fingerprint
    else
      known = met[key] or call('EXISTS', key) == 1 or call('SISMEMBER', KEYS[5], member) == 1
      met[key] = true
    end
  end
  result[place + 1] = ''
  if not known then fresh[#fresh + 1] = place end
end
if #fresh == 0 then
  -- A write, so that WAIT on this connection waits for what is there already: the first delivery
  -- may have found no replica in time.
  call('SET', KEYS[4], string.format('%.0f', notified_ms))
  return result
end

local time = call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for _, place in ipairs(fresh) do
  local payload, age, sent, hold, review, seen, member, keep, fingerprint = unpack(entries[place])
  -- The place keeps event times of one call apart, in the order in which they were given.
  local event_time = now - age + place - 1
  if sent and sent < event_time then event_time = sent end
  local id = call('XADD', KEYS[1], '*', 'e', payload, 's', string.format('%.0f', event_time))
  if hold ~= '' then call('HSET', KEYS[2], hold, id) end
  if review ~= '' then
    -- The first text that waits says since when, the newest one what a decision must have seen.
    local first = string.match(call('HGET', KEYS[3], review) or '', '^%S+')
    call('HSET', KEYS[3], review, first and first .. ' ' .. id or id)
  end
  if fingerprint ~= '' then
    call('SET', KEYS[5 + seen], fingerprint, 'EX', ARGV[3])
  elseif keep then
    call('SADD', KEYS[5], member)
  elseif seen > 0 then
    call('SET', KEYS[5 + seen], id, 'EX', ARGV[2])
  end
  result[place + 1] = id
end

local now_ms = math.floor(now / 1000)
if notified_ms <= now_ms then
  call('SET', KEYS[4], string.format('%.0f', now_ms + tonumber(ARGV[1])))
  result[1] = 1
end
return result
