export async function runConformance() {}
