import { Template } from 'aws-cdk-lib/assertions';
import { flotilla } from '../lib/app.ts';

/** A resource of a template, as CloudFormation reads it. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Record<string, string>;
}

/** What a template says, for tests to ask. */
export class Synthesised {
  readonly template: Template;
  readonly resources: Record<string, Resource>;
  readonly outputs: Record<string, { Value: unknown }>;

  constructor(context: Record<string, unknown>) {
    const { stack } = flotilla({ 'aws:cdk:enable-path-metadata': true, binaries: 'none', ...context });
    this.template = Template.fromStack(stack);
    const { Resources, Outputs } = this.template.toJSON();
    this.resources = Resources;
    this.outputs = Outputs;
  }

  /** Every resource of a type, by its path in the stack. */
  all(type: string): Map<string, Resource> {
    const found = new Map<string, Resource>();
    for (const [id, resource] of Object.entries(this.resources)) {
      if (resource.Type === type) {
        found.set(this.path(id), resource);
      }
    }
    return found;
  }

  /** The resource of a type at a path. */
  at(type: string, path: string): Resource {
    const resource = this.all(type).get(path);
    if (resource === undefined) {
      throw new Error(`no ${type} at ${path}, but at ${[...this.all(type).keys()].join(', ')}`);
    }
    return resource;
  }

  /** The only resource of a type. */
  only(type: string): Resource {
    const [resource, ...others] = this.all(type).values();
    if (resource === undefined || others.length > 0) {
      throw new Error(`${others.length + (resource === undefined ? 0 : 1)} of ${type}, not one`);
    }
    return resource;
  }

  /** Where a resource stands in the stack: `Storage/Uploads`. */
  path(id: string): string {
    const path = this.resources[id]?.Metadata?.['aws:cdk:path'] ?? id;
    return path.replace(/^[^/]*\//, '').replace(/\/Resource$/, '');
  }

  /** A value with its references spelled out: `Storage/Uploads/*`. */
  text(value: unknown): string {
    if (typeof value !== 'object' || value === null) {
      return String(value);
    }
    const [[intrinsic, of] = []] = Object.entries(value) as [string, unknown][];
    if (intrinsic === 'Ref') {
      const id = String(of);
      return id.startsWith('AWS::') ? `{${id.slice('AWS::'.length)}}` : this.path(id);
    }
    if (intrinsic === 'Fn::GetAtt' && Array.isArray(of)) {
      const path = this.path(String(of[0]));
      return of[1] === 'Arn' ? path : `${path}.${of[1]}`;
    }
    if (intrinsic === 'Fn::Join' && Array.isArray(of)) {
      return (of[1] as unknown[]).map((part) => this.text(part)).join(String(of[0]));
    }
    throw new Error(`not a value: ${JSON.stringify(value)}`);
  }
}

const cache = new Map<string, Synthesised>();

/** The stack for a context, synthesised once. */
export function synthesised(context: Record<string, unknown> = { stage: 'dev' }): Synthesised {
  const key = JSON.stringify(context);
  const known = cache.get(key) ?? new Synthesised(context);
  cache.set(key, known);
  return known;
}

/** A value of CloudFormation that is one thing or several. */
export function list<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? value : [value];
}

/** The first part of a path: the worker that a resource belongs to. */
export function owner(path: string): string {
  return path.split('/')[0] ?? path;
}
