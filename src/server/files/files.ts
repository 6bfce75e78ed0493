import type { Selectable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import type { ContractFile } from "../../protocol/api.ts";
import type { FilesTable } from "../db/contract-tables.ts";
import type { Db } from "../db/store.ts";

/** All of a contract, by name; see MOST_FILES for how many that may be. */
export async function listFiles(db: Db, contractId: string): Promise<ContractFile[]> {
  const rows = await db.selectFrom("files").selectAll().where("contract_id", "=", contractId).orderBy("name").execute();
  return rows.map(toFile);
}

/** null: there is none of that name. */
export async function findFile(db: Db, contractId: string, name: string): Promise<ContractFile | null> {
  const row = await db
    .selectFrom("files")
    .selectAll()
    .where("contract_id", "=", contractId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row === undefined ? null : toFile(row);
}

/** Throws `not_found`. */
export async function getFile(db: Db, contractId: string, name: string): Promise<ContractFile> {
  const file = await findFile(db, contractId, name);
  if (file !== null) return file;
  throw new MakimaError("not_found", `The contract has no file ${name}`, {
    hint: "`makima contract files` lists those that it has.",
  });
}

/** A file as it is now, and one of its versions. Throws `not_found`, also for a version that there never was. */
export async function readVersion(
  db: Db,
  contractId: string,
  name: string,
  asked: number | undefined,
): Promise<{ file: ContractFile; version: number; content: string }> {
  const file = await getFile(db, contractId, name);
  const version = asked ?? file.version;
  const row = await db
    .selectFrom("file_versions")
    .select("content")
    .where("contract_id", "=", contractId)
    .where("name", "=", name)
    .where("version", "=", version)
    .executeTakeFirst();
  if (row !== undefined) return { file, version, content: row.content };
  throw new MakimaError("not_found", `The file ${name} has no version ${version}`, {
    hint: `Its versions are 1 to ${file.version}.`,
  });
}

function toFile(row: Selectable<FilesTable>): ContractFile {
  return {
    contractId: row.contract_id,
    name: row.name,
    title: row.title,
    phase: row.phase,
    version: row.version,
    size: row.size,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
