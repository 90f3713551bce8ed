//! `jigger image`: what container images weigh, layer by layer.

use anyhow::Result;

use super::{Exit, output};
use crate::cli::ImageArgs;
use crate::image::{Engine, ImageReport, describe, measure};
use crate::report::to_json;

pub fn run(args: &ImageArgs) -> Result<Exit> {
    let mut images = Vec::new();
    for reference in &args.references {
        images.extend(measure(reference, || Engine::detect(args.engine.as_deref()))?);
    }
    if args.json {
        output::print(&to_json(&ImageReport::new(images)))?;
    } else {
        for image in &images {
            output::print(&describe(image))?;
        }
    }
    Ok(Exit::Fine)
}
