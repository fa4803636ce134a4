// Checks rendered objects against Kubernetes' own schemas, and those of the Prometheus operator and cert-manager.
//
//   node kubernetes_schemas.js NODE_MODULES < {"file": [object, ...], ...}
//
// Prints a line for each mistake. Twice, because neither sees everything: the schemas' validators know patterns and ranges,
// but let fields through that they do not know; the compiler of TypeScript finds those, as the same schemas are types too.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = path.resolve(process.argv[2]);
const rendered = JSON.parse(fs.readFileSync(0, "utf8"));

const OPERATORS = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/",
  "cert-manager.io": "@kubernetes-models/cert-manager/",
};

function modelOf(object) {
  const group = object.apiVersion.split("/")[0];
  return `${OPERATORS[group] ?? "kubernetes-models/"}${object.apiVersion}/${object.kind}`;
}

const nameOf = (file, object) => `${file}: ${object.kind} ${object.metadata.name}`;

async function validate(file, object) {
  const location = path.join(modules, `${modelOf(object)}.js`);
  if (!fs.existsSync(location)) return [`${nameOf(file, object)}: no schema of ${object.apiVersion}`];
  const model = (await import(pathToFileURL(location)))[object.kind];
  try {
    new model(object).validate();
  } catch (error) {
    return [`${nameOf(file, object)}: ${error.message}`];
  }
  return [];
}

// One constant for each object, on a line of its own, so that the line tells which.
async function compile(objects) {
  const { default: typescript } = await import(pathToFileURL(path.join(modules, "typescript/lib/typescript.js")));
  const source = objects.map(({ object }, i) =>
    `export const o${i}: import("${modelOf(object)}").I${object.kind} = ${JSON.stringify(object)};`).join("\n");
  // Beside the packages, so that they are found; only in memory.
  const name = path.join(path.dirname(modules), "rendered.ts");
  const options = {
    noEmit: true, strict: true, skipLibCheck: true, types: [],
    module: typescript.ModuleKind.NodeNext, target: typescript.ScriptTarget.ES2022,
  };
  const host = typescript.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (file, ...rest) => file === name
    ? typescript.createSourceFile(file, source, options.target) : getSourceFile.call(host, file, ...rest);
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  const program = typescript.createProgram([name], options, host);
  return typescript.getPreEmitDiagnostics(program).map((diagnostic) => {
    const text = typescript.flattenDiagnosticMessageText(diagnostic.messageText, " ");
    if (diagnostic.file?.fileName !== name) return text;
    const { file, object } = objects[diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line];
    return `${nameOf(file, object)}: ${text}`;
  });
}

const objects = Object.entries(rendered).flatMap(([file, list]) => list.map((object) => ({ file, object })));
const mistakes = (await Promise.all(objects.map(({ file, object }) => validate(file, object)))).flat();
mistakes.push(...await compile(objects));
for (const mistake of new Set(mistakes)) console.log(mistake);
