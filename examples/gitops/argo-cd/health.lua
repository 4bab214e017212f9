-- Health of a Permission, Role, User or Regent, by its conditions.
-- Healthy: a pass has seen it in the catalog. Degraded: a person must change something.
-- Progressing: it works, or waits for what may come by itself.
local health = { status = "Progressing", message = "Waiting for the controller." }

if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "spec.suspend is true." }
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "The controller has not seen this generation yet."
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    return { status = "Degraded", message = condition.message }
  end
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    health.message = condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    end
  end
end
return health
