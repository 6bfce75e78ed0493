import { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { problemsOf, throwProblems } from "../../platform/config/problems.ts";
import { parseToml } from "../../platform/config/toml.ts";
import { OpenContract, SCHEMAS } from "../../protocol/api.ts";
import { Labels } from "../../protocol/labels.ts";

const contract = OpenContract.shape;
const file = SCHEMAS.createFile.body.shape;

const File = z.strictObject({ title: file.title, content: file.content });

const Template = z.strictObject({
  type: contract.type.unwrap().optional(),
  name: contract.name.optional(),
  goal: contract.goal.optional(),
  /** The checklist. */
  goals: contract.goals.unwrap().optional(),
  checks: contract.checks.unwrap().optional(),
  autonomousLoop: z.boolean().optional(),
  /** US dollars. */
  budget: contract.budgetUsd.unwrap().unwrap().optional(),
  maxParallel: contract.maxParallel.unwrap().unwrap().optional(),
  supervisor: z.boolean().optional(),
  completionAction: contract.completionAction.unwrap().optional(),
  agent: contract.agent.unwrap().optional(),
  labels: Labels.optional(),
  /** Written as soon as there is a contract, by their names. */
  files: z.record(file.name, File).optional(),
});

/** What a contract is to have where the command line says nothing else. */
export type Template = z.output<typeof Template>;

/** Parses a template; `fileName` is how errors call it: `config_invalid` has a line for each problem, with its place. */
export function parseTemplate(text: string, fileName: string): Template {
  try {
    const document = parseToml(text, fileName);
    const { data = {}, error } = Template.safeParse(document.data);
    throwProblems(problemsOf(error?.issues ?? [], keysAt), (path) => `${fileName}:${document.lineOf(path)}`);
    return data;
  } catch (error) {
    if (!(error instanceof MakimaError)) throw error;
    const hint = "Mend the template; docs/CLI.md has the keys that it may have.";
    throw new MakimaError(error.code, error.message, { hint, cause: error });
  }
}

function keysAt(path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(path[0] === "files" && path.length === 2 ? File.shape : Template.shape);
}
