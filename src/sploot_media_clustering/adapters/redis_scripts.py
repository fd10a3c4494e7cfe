"""Every Lua script of the store. Each touches keys of one slot, and checks all it needs before it writes.

A script is not rolled back where a call fails, so those calls that can fail on keys of a wrong type come
first. Versions and milliseconds stay below 2^53, where Lua's numbers are exact.
"""

from __future__ import annotations

from typing import Final

COMMIT: Final = """
-- keys: album, payload, done, dead, outbox
-- args: base, version, record, payload ('' for none), its ttl in ms, done to forget below, result, job ids
for i = 8, #ARGV do
  if redis.call('ZSCORE', KEYS[3], ARGV[i]) or redis.call('ZSCORE', KEYS[4], ARGV[i]) then return 'done' end
end
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 'stale' end
redis.call('LLEN', KEYS[5])
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3])
if ARGV[4] == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. ARGV[6])
for i = 8, #ARGV do redis.call('ZADD', KEYS[3], ARGV[2], ARGV[i]) end
redis.call('RPUSH', KEYS[5], ARGV[2] .. ' ' .. ARGV[7])
return 'ok'
"""

_ENDED: Final = """
local time = redis.call('TIME')
local ended = {time[1], time[2]}
for i = 1, #ARGV do
  ended[2 * i + 1] = redis.call('ZSCORE', KEYS[1], ARGV[i])
  ended[2 * i + 2] = redis.call('ZSCORE', KEYS[2], ARGV[i])
end
"""

ENDED: Final = f"""
-- keys: done, dead, album; args: job ids
{_ENDED}
return {{redis.call('HSTRLEN', KEYS[3], 'record'), ended}}
"""

READ: Final = f"""
-- keys: done, dead, album; args: job ids
{_ENDED}
local album = redis.call('HMGET', KEYS[3], 'version', 'record')
return {{album[1], album[2], ended}}
"""

KEEP_PAYLOAD: Final = """
-- keys: album, payload; args: version, payload, its ttl in ms
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""

BURY: Final = """
-- keys: done, dead; args: job id, milliseconds
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[1])
return 1
"""

RELAY: Final = """
-- keys: results, relayed; args: pet id, longest age in ms, most entries, then pairs of version and result
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
redis.call('XLEN', KEYS[1])
local added = 0
for i = 4, #ARGV, 2 do
  if tonumber(ARGV[i]) > last then
    redis.call('XADD', KEYS[1], '*', 'pet_id', ARGV[1], 'version', ARGV[i], 'result', ARGV[i + 1])
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[i])
    last = tonumber(ARGV[i])
    added = added + 1
  end
end
local oldest = redis.call('TIME')[1] * 1000 - ARGV[2]
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest))
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3])
return added
"""

SHORTEN_OUTBOX: Final = """
-- keys: outbox; args: last version that is published
local gone = 0
while true do
  local head = redis.call('LINDEX', KEYS[1], 0)
  if not head or tonumber(string.match(head, '^%d+')) > tonumber(ARGV[1]) then return gone end
  redis.call('LPOP', KEYS[1])
  gone = gone + 1
end
"""

BEAT: Final = """
-- keys: jobs; args: group, consumer, entry ids
local mine = {}
for i = 3, #ARGV do
  local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if #held > 0 and held[1][2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    mine[#mine + 1] = ARGV[i]
  end
end
return mine
"""

ATTEMPT: Final = """
-- keys: jobs, attempts; args: group, entry id
-- An entry that nobody holds was acknowledged, and its count with it.
local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if held['err'] or #held == 0 then return 0 end
return redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
"""

ACKNOWLEDGE: Final = """
-- keys: jobs, attempts; args: group, entry ids
redis.call('HLEN', KEYS[2])
local gone = 0
for i = 2, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  gone = gone + redis.call('XDEL', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return gone
"""

SET_ASIDE: Final = """
-- keys: jobs, jobs of the other lane; args: group, then pairs of entry id and position
-- Ids of the other lane rise as well: whoever set aside a later one has taken this one's.
local gone = 0
for i = 2, #ARGV, 2 do
  local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])
  if found[1] then
    local fields = {unpack(found[1][2])}
    local has_position = false
    for j = 1, #fields, 2 do has_position = has_position or fields[j] == 'position' end
    if not has_position then
      fields[#fields + 1] = 'position'
      fields[#fields + 1] = ARGV[i + 1]
    end
    local added = redis.pcall('XADD', KEYS[2], ARGV[i], unpack(fields))
    if type(added) == 'table' and added['err'] then redis.call('XADD', KEYS[2], '*', unpack(fields)) end
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    gone = gone + redis.call('XDEL', KEYS[1], ARGV[i])
  end
end
return gone
"""

LEAVE: Final = """
-- keys: jobs; args: group, consumer, idle ms after which others without entries are taken to have ended.
-- A consumer that is deleted would take its pending entries with it.
local gone = 0
for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local about = {}
  for i = 1, #told, 2 do about[told[i]] = told[i + 1] end
  if about['pending'] == 0 and (about['name'] == ARGV[2] or about['idle'] > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about['name'])
    gone = gone + 1
  end
end
return gone
"""

CLAIM_NAME: Final = """
-- keys: job; args: digest, state, ttl in ms, '1' to start anew
if ARGV[4] == '0' then
  local known = redis.call('HMGET', KEYS[1], 'digest', 'entry', 'state')
  if known[1] and known[1] ~= ARGV[1] then return {'other'} end
  if known[3] then return {'known', known[2] or '', known[3]} end
end
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'state', ARGV[2], 'ended', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'new'}
"""

TELL: Final = """
-- keys: job; args: state, '1' where it has ended, ttl in ms
if ARGV[2] == '0' and redis.call('HGET', KEYS[1], 'ended') == '1' then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'ended', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

ADD_LETTER: Final = """
-- keys: letters, letter by what it is of; args: most letters, what it is of, then fields and values
-- Nothing, where there are as many as there may be: none goes so that another may come.
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known then return known end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
redis.call('HSET', KEYS[2], ARGV[2], id)
return id
"""

DROP_LETTER: Final = """
-- keys: letters, letter by what it is of; args: letter id, what it is of
redis.call('HDEL', KEYS[2], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[1])
"""

TAKE_CHARGE: Final = """
-- keys: models; args: model version, 'always' or 'unless it was', most terms kept, mark behind the time
local terms = redis.call('LRANGE', KEYS[1], 0, -1)
for i = #terms, 1, -1 do
  local version = string.sub(terms[i], string.find(terms[i], ' ') + 1)
  if version == ARGV[1] and (i == #terms or ARGV[2] ~= 'always') then return terms[#terms] end
end
local time = redis.call('TIME')
local term = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)) .. ARGV[4] .. ' ' .. ARGV[1]
redis.call('RPUSH', KEYS[1], term)
redis.call('LTRIM', KEYS[1], -ARGV[3], -1)
return term
"""

OVERVIEW: Final = """
-- keys: jobs; args: group, ms in which a worker asks for entries
-- Gives: entries, pending ones, the oldest one, the last that was read, workers.
local found = {0, 0, '', '0-0', {}}
if redis.call('EXISTS', KEYS[1]) == 0 then return found end
found[1] = redis.call('XLEN', KEYS[1])
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if oldest[1] then found[3] = oldest[1][1] end
local function named(told)
  local about = {}
  for i = 1, #told, 2 do about[told[i]] = told[i + 1] end
  return about
end
for _, told in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = named(told)
  if about['name'] == ARGV[1] then
    found[2], found[4] = about['pending'], about['last-delivered-id']
    for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
      local worker = named(told)
      if worker['idle'] < tonumber(ARGV[2]) then table.insert(found[5], worker['name']) end
    end
  end
end
return found
"""

IN_HAND: Final = """
-- keys: jobs; args: group, most entries
local found = {}
for _, held in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ARGV[2])) do
  local entry = redis.call('XRANGE', KEYS[1], held[1], held[1])
  if entry[1] then table.insert(found, {held[1], entry[1][2], held[2], held[3], held[4]}) end
end
return found
"""
