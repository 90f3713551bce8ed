-- The table `wrk`, whose functions scripts call, replace and look up, as wrk 4.1 has it
-- (https://github.com/wg/wrk, SCRIPTING and its scripts). Rust gives what the command line says, and
-- `lookup` and `connect`; it calls `resolve`, `setup`, `init` and `request` through the table.
local wrk = ...

-- The addresses at which somebody listens.
function wrk.resolve(host, service)
   local reached = {}
   for _, address in ipairs(wrk.lookup(host, service)) do
      if wrk.connect(address) then
         table.insert(reached, address)
      end
   end
   wrk.addrs = reached
end

-- In the state of the run, for each thread.
function wrk.setup(thread)
   thread.addr = wrk.addrs[1]
   if type(setup) == "function" then
      setup(thread)
   end
end

local function host_field()
   local host = wrk.host
   if host:find(":", 1, true) then
      host = "[" .. host .. "]"
   end
   return wrk.port and host .. ":" .. wrk.port or host
end

-- In each thread's state. What the table holds at the end is what a script without `request` sends.
function wrk.init(arguments)
   wrk.headers.Host = wrk.headers.Host or host_field()
   if type(init) == "function" then
      init(arguments)
   end
   local frozen = wrk.format()
   wrk.request = function()
      return frozen
   end
end

-- wrk takes any value here; what only a mistake can mean is refused where it is made.
local function check(what, value)
   if type(value) ~= "string" and type(value) ~= "number" then
      error("the " .. what .. " is a text, not '" .. type(value) .. "'", 3)
   end
   return value
end

-- A request's text; what is nil comes from the table.
function wrk.format(method, path, headers, body)
   headers, body = headers or wrk.headers, body or wrk.body
   if type(headers) ~= "table" then
      error("headers are a table, not '" .. type(headers) .. "'", 2)
   end
   method, path = check("method", method or wrk.method), check("path", path or wrk.path)
   -- wrk leaves these two in the table that it is given.
   if not headers.Host then
      headers.Host = wrk.headers.Host
   end
   headers["Content-Length"] = body and #tostring(check("body", body)) or nil
   local lines = { method .. " " .. path .. " HTTP/1.1" }
   for name, value in pairs(headers) do
      lines[#lines + 1] = tostring(name) .. ": " .. tostring(value)
   end
   return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end
