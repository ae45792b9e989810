/** Infers the types of a service from the type of the module of definitions. */
import type { FeatureService } from "@tidemark/core";

/** A module of definitions, or an object of them. */
export type DefinitionExports = { readonly [exported: string]: unknown };

type ServiceName<X> = X extends FeatureService<infer N, unknown, unknown> ? N : never;
/** The names of the module's services. Every name if the module's type is not given. */
export type ServiceNames<D> = DefinitionExports extends D
  ? string
  : { [K in keyof D]: ServiceName<D[K]> }[keyof D];
type ServiceNamed<D, N> = {
  [K in keyof D]: ServiceName<D[K]> extends N
    ? [ServiceName<D[K]>] extends [never]
      ? never
      : D[K]
    : never;
}[keyof D];

/** The row of features of service `N`. */
export type ServiceRow<D, N> = DefinitionExports extends D
  ? Readonly<Record<string, unknown>>
  : ServiceNamed<D, N> extends FeatureService<string, infer Row, unknown>
    ? Row
    : never;
/** The entity keys of service `N`. */
export type ServiceKeys<D, N> = DefinitionExports extends D
  ? Readonly<Record<string, unknown>>
  : ServiceNamed<D, N> extends FeatureService<string, unknown, infer Needs>
    ? Needs
    : never;
