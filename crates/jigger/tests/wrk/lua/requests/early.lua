-- Requests that are formatted before there is a Host field, and a template that is filled in.
local template = "GET /item/%d HTTP/1.1\r\nHost: %s\r\nX-Id: %s\r\n\r\n"
local early = wrk.format("GET", "/early", { Host = "early.test" })
local bare = wrk.format("GET", "/bare")
local id = 0
request = function()
   id = id + 1
   if id == 2 then
      return early
   elseif id == 3 then
      return bare
   end
   return template:format(id, wrk.host, ("%05d"):format(id))
end

local left = 5
function response()
   left = left - 1
   if left == 0 then
      wrk.thread:stop()
   end
end
