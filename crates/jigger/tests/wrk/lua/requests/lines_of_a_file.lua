-- Paths from the lines of a file beside the script.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
math.randomseed(os.time())
math.random() math.random()
paths = {}
for line in io.lines(folder .. "urls.txt") do
    if line ~= "" and line:byte(1, -1) then paths[#paths + 1] = line end
end
local at = 1
request = function()
    at = at % 2 + 1
    return wrk.format(nil, paths[at])
end
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
