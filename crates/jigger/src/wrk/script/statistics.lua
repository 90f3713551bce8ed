-- Statistics as scripts see them. A table has no `#` of its own in Lua 5.1, and the metatable of a
-- userdata made in Rust is hidden, while scripts look at wrk's with `getmetatable`.
local statistics = ...
local proxy = newproxy(true)
local meta = getmetatable(proxy)
local methods = {
   percentile = function(_, percent)
      return statistics:percentile(percent)
   end,
}

function meta.__index(_, name)
   return methods[name] or statistics[name]
end

function meta.__call(_, at)
   return statistics(at)
end

function meta.__len()
   return #statistics
end

return proxy
