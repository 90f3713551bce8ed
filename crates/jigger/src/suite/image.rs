//! `image = { ... }`: a contender's or a service's container image, and how it is started.

use super::fault::{Checked, refused};
use super::raw::RawImage;
use super::{ImageRecipe, ImageStart, command};

pub fn recipe(raw: RawImage) -> Checked<(ImageRecipe, ImageStart)> {
    let recipe = match (raw.build, raw.reference) {
        (Some(build), None) => ImageRecipe::Build(command::arguments("image.build", build)?),
        (None, Some(reference)) => ImageRecipe::Reference(reference),
        _ => return refused("image: give either build or ref"),
    };
    if raw.port == Some(0) {
        return refused("image.port must be above zero");
    }
    let start = ImageStart {
        arguments: raw
            .args
            .map(|args| command::arguments("image.args", args))
            .transpose()?
            .unwrap_or_default(),
        environment: raw.env.into_iter().collect(),
        port: raw.port,
    };
    Ok((recipe, start))
}
