-- Delays that are no numbers from 0 on: nil, a negative number, a word, a number as text.
local delays, at = { false, -5, "soon", "20" }, 0
function delay() at = at + 1 return delays[at] or nil end
local left = 5
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
