import { z } from "zod";
import { CreateContract, CreateTask, OpenContract } from "./api.ts";
import * as entities from "./entities.ts";
import * as identifiers from "./identifiers.ts";
import { Labels } from "./labels.ts";
import { Operation } from "./operations.ts";
import { CheckReport, DiffStat, GateReport, TamperingReport } from "./run-events.ts";
import { LoopLimits } from "./run-spec.ts";
import { Change } from "./subscriptions.ts";

/** The part of a JSON Schema that the document is put together from. */
export interface JsonSchema {
  $ref?: string | undefined;
  type?: unknown;
  enum?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: unknown;
}

/** Schemas that the document has by name; every other stands where it is used. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  ...identifiers,
  ...entities,
  Operation,
  CreateContract,
  OpenContract,
  CreateTask,
  Labels,
  LoopLimits,
  Change,
  CheckReport,
  DiffStat,
  GateReport,
  TamperingReport,
};

const names = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(NAMED)) names.add(schema, { id });

/** As a caller sends it (`input`: what has a default may be absent) or gets it (`output`). */
export function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, $defs: __, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", metadata: names, io });
  return referToComponents(rest);
}

/** The named ones, each as it is sent: none that is sent is also received with other fields. */
export function componentSchemas(): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(NAMED).map(([name, named]) => {
      const { $defs = {} } = z.toJSONSchema(z.array(named), { target: "draft-2020-12", metadata: names, io: "input" });
      return [name, referToComponents($defs[name] ?? {})];
    }),
  );
}

/** `toJSONSchema` puts named schemas beside the one that uses them; the document has them in one place. */
function referToComponents(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
}
