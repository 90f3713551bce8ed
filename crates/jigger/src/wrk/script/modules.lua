-- How `require` finds modules: Lua files as wrk of Debian does, then what is built in, then the
-- reason why no other can be had.
local built_in, safe_debug, refusal = ...

package.path = package.path .. ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"

-- A script's own file of that name is meant, but not one that was installed: it would go on to
-- require its part in C.
local function has_own_file(name)
   local file = package.searchpath(name, package.path)
   return file and not file:find("share/lua/5.1/", 1, true)
end

local function built_in_module(name)
   local module = built_in[name]
   if module == nil then
      return "\n\tno module '" .. name .. "' built in"
   elseif has_own_file(name) then
      return "\n\ta file comes before the module '" .. name .. "' built in"
   end
   return function()
      return module
   end
end

-- What is not there is refused where it is used, instead of being nil.
local function closed(name, module)
   local offered = {}
   for key in pairs(module) do
      table.insert(offered, key)
   end
   table.sort(offered)
   return setmetatable(module, {
      __index = function(_, key)
         error(name .. "." .. tostring(key) .. " is not built in; there are " .. table.concat(offered, ", "), 2)
      end,
   })
end

-- Errors in Lua are texts, to which scripts append; those of Rust's functions are not.
local function raising(returning)
   return function(...)
      local value, problem = returning(...)
      if problem then
         error(problem, 2)
      end
      return value
   end
end

local safe = built_in["cjson.safe"]
built_in.cjson = {
   _NAME = safe._NAME,
   _VERSION = safe._VERSION,
   null = safe.null,
   encode = raising(safe.encode),
   decode = raising(safe.decode),
}

for name, module in pairs(built_in) do
   closed(name, module)
end
debug, package.loaded.debug = safe_debug, safe_debug
table.insert(package.loaders, 2, built_in_module)
-- In the place of those that load C.
package.loaders[4] = function()
   return "\n\t" .. refusal
end
