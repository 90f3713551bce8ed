-- Where the script is.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
print("> " .. tostring(io.open(folder .. "own_folder.lua") ~= nil))
package.path = folder .. "?.lua;" .. package.path
function response() wrk.thread:stop() end
