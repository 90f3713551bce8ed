-- Bodies made by a module beside the script.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
package.path = folder .. "lib/?.lua;" .. package.path
local words = require("words")

local count = 0
request = function()
   count = count + 1
   local body = string.format('{"name": %q, "count": %d}', words.of(count), count)
   return wrk.format("POST", "/", { ["Content-Type"] = "application/json" }, body)
end

local left = 4
function response()
   left = left - 1
   if left == 0 then
      wrk.thread:stop()
   end
end
