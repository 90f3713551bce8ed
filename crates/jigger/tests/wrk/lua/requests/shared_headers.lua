-- One table of headers for requests with and without a body.
local headers = { ["X-Shared"] = "yes", ["Content-Length"] = 77 }
local count = 0
function request()
   count = count + 1
   headers["X-Count"] = count
   local body = count % 2 == 0 and ("b"):rep(count) or nil
   return wrk.format(body and "POST" or "GET", "/" .. count, headers, body)
end

local left = 5
function response()
   left = left - 1
   if left == 0 then
      wrk.thread:stop()
   end
end
