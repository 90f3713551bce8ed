-- A body from a file beside the script.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
local function read(path)
    local file, problem = io.open(path, "rb")
    if not file then return nil, problem end
    local text = file:read("*a")
    file:close()
    return text
end
wrk.method = "POST"
wrk.body = assert(read(folder .. "body.json"))
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X"] = 1
local left = 6
function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
