export { objectStoreConformance, type ObjectStoreUnderTest } from "./object-conformance.ts";
