-- A module beside a script.
local words = { names = { "ada", "grace", "edsger" } }

function words.of(count)
   local chosen = {}
   for at = 1, count do
      chosen[at] = words.names[(at - 1) % #words.names + 1]
   end
   return table.concat(chosen, "-")
end

return words
