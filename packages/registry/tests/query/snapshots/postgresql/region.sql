SELECT touching_0_visit.instrument AS dim_instrument, touching_0_visit.visit AS dim_visit
FROM (SELECT DISTINCT overlap_visit.dim_instrument AS instrument, overlap_visit.dim_visit AS visit
FROM overlap_visit
WHERE (overlap_visit.dim_htm7 = 131072 OR overlap_visit.dim_htm7 = 188416 OR overlap_visit.dim_htm7 = 196608 OR overlap_visit.dim_htm7 = 253952)) AS touching_0_visit
WHERE true
