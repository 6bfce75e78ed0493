import { MakimaError } from "../../core/errors.ts";
import type { Contract, ContractFile, Parsed } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { requireOngoing } from "../contracts/ongoing.ts";
import type { Write } from "../db/store.ts";
import { requireVersion } from "../versions.ts";
import { findFile, getFile } from "./files.ts";

/** Files of one contract: many more than its phases ask for, and few enough to list. */
export const MOST_FILES = 1_000;

/** Throws `not_found`, or `conflict` when there is one of that name already or the contract is over. */
export async function createFile(
  tx: Write,
  contractId: string,
  { name, title = name, phase, content }: Parsed<"createFile">["body"],
): Promise<ContractFile> {
  const contract = await requireOngoing(tx.db, contractId);
  if ((await findFile(tx.db, contractId, name)) !== null) {
    throw new MakimaError("conflict", `The contract has a file ${name} already`, {
      hint: `Read it, and change it with \`makima contract update-file ${name}\`.`,
    });
  }
  await requireRoom(tx, contractId);
  return insertFile(tx, { contractId, name, title, phase: phase ?? contract.phase }, content);
}

/** Adds a version. Throws `not_found`, `version_conflict`, or `conflict` when the contract is over. */
export async function updateFile(
  tx: Write,
  contractId: string,
  name: string,
  seen: number | null,
  { content, title }: Parsed<"updateFile">["body"],
): Promise<ContractFile> {
  await requireOngoing(tx.db, contractId);
  const file = await getFile(tx.db, contractId, name);
  requireVersion(seen, file.version);
  return addVersion(tx, file, { content, title: title ?? file.title });
}

/** Writes what makima itself has to say, whether there is a file of that name or not, and whatever the contract's state. */
export async function saveFile(
  tx: Write,
  { id: contractId, phase }: Pick<Contract, "id" | "phase">,
  { name, title }: { name: string; title: string },
  content: string,
): Promise<ContractFile> {
  const file = await findFile(tx.db, contractId, name);
  return file === null
    ? insertFile(tx, { contractId, name, title, phase }, content)
    : addVersion(tx, file, { content, title });
}

async function requireRoom(tx: Write, contractId: string): Promise<void> {
  const { count } = await tx.db
    .selectFrom("files")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("contract_id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (count < MOST_FILES) return;
  throw new MakimaError("conflict", `The contract has ${MOST_FILES} files already`, {
    hint: "Put it into one of them.",
  });
}

type NewFile = Pick<ContractFile, "contractId" | "name" | "title" | "phase">;

async function insertFile(
  tx: Write,
  { contractId, name, title, phase }: NewFile,
  content: string,
): Promise<ContractFile> {
  const times = { created_at: tx.now, updated_at: tx.now };
  await tx.db
    .insertInto("files")
    .values({ contract_id: contractId, name, title, phase, version: 1, size: content.length, ...times })
    .execute();
  return putVersion(tx, contractId, name, 1, content);
}

async function addVersion(
  tx: Write,
  { contractId, name, version: before }: ContractFile,
  { content, title }: { content: string; title: string },
): Promise<ContractFile> {
  const version = before + 1;
  await tx.db
    .updateTable("files")
    .set({ title, version, size: content.length, updated_at: tx.now })
    .where("contract_id", "=", contractId)
    .where("name", "=", name)
    .execute();
  return putVersion(tx, contractId, name, version, content);
}

/** Keeps the content, and puts the file into the change feed without it: who wants to read it asks for it. */
async function putVersion(
  tx: Write,
  contractId: string,
  name: string,
  version: number,
  content: string,
): Promise<ContractFile> {
  await tx.db
    .insertInto("file_versions")
    .values({ contract_id: contractId, name, version, content, created_at: tx.now })
    .execute();
  const file = await getFile(tx.db, contractId, name);
  await recordChange(tx, { kind: "file", id: `${contractId}/${name}`, contractId, data: { ...file } });
  return file;
}
