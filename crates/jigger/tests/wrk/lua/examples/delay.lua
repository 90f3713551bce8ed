-- Pauses of random length.
local left = 4
function delay() return math.random(10, 50) end
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
